"""What must hold, told by unit laws, contracts, pictures, a real cluster."""
