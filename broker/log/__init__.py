"""One partition's files, Kafka's to the byte (the lecture follows with the bodies)."""
