"""Customers: known persons and what is known of them, and the countries they live in.

A profile is written only by an import, the API or a signed token, never by what a respondent
claims.
"""
