"""HTTP with the API: one exchange, what a response means, retries, the rate limit, endpoints."""
