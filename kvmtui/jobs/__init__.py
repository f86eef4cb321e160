"""What is being done to the fleet."""
