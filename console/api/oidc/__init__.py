"""Signing in elsewhere: OpenID Connect, the code flow with PKCE. Needs the extra ``oidc``."""
