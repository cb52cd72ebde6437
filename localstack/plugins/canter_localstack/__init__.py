"""What canter adds to LocalStack, as plugins that LocalStack finds by the entry points beside this folder."""
