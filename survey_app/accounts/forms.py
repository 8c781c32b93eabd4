"""Forms that people fill in about accounts."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, Regexp


class LoginForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """E-mail, password and where to go afterwards."""

    email = StringField(
        _l("E-mail"),
        # Control signs are in no address, and PostgreSQL's texts can't hold NUL.
        validators=[InputRequired(), Length(max=254), Regexp(r"[^\x00-\x1f\x7f]+\Z")],
    )
    password = PasswordField(_l("Password"), validators=[InputRequired(), Length(max=1024)])
    next = HiddenField()
