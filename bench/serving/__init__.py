"""FusedInf's server beside other servers: the same models, the same room for them, the same client."""
