"""What every emulator is: requests and responses, the WSGI application, the journal, and scripted faults."""
