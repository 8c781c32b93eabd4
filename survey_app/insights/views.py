"""The page *Perception* and its export."""

from flask import Blueprint

blueprint = Blueprint("insights", __name__, url_prefix="/w/<workspace>")
