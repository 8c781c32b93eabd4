"""Surveys: question types, wording per language, versions that never change once published."""
