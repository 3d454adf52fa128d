"""Whom the agency serves: their names, tokens and accounts, and the chats a bot posts to. For managers and admins."""
