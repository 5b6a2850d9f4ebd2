"""Where Event Grid answers.

Source: the data plane's REST API of Event Grid, versions 2018-01-01 (topics) and 2024-06-01 (namespaces).
"""

HOSTS = ("*.eventgrid.azure.net",)
SUBSCRIPTION = "/topics/<topic>/eventsubscriptions/<subscription>"
SETTLED = ("acknowledge", "reject")  # what takes an event out of a subscription; others let it be received again
