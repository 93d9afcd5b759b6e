"""What tests share: real servers to test against, and stand-ins that misbehave on request."""
