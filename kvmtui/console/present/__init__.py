"""Values into cells, one module a resource."""
