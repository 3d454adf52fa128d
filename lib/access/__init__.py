"""Who may see what: viewers, roles and grants, apart from HTTP and screens."""
