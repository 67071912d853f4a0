"""The distributed shape: the same services as processes of their own, over RabbitMQ."""
