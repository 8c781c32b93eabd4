"""Lifecycle: maps, their stages, and which stage a customer was in at a moment."""
