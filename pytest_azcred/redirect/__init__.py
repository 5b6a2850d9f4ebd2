"""How connections, names and files of an unmodified app lead to the emulators, in this process and in its children."""
