"""Event Grid: events are published to topics, and received from subscriptions of namespaces."""
