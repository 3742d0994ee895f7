"""What turns evidence about labs into an order of labs."""
