"""A project of Django's whose database is the one that DJANGO_DATABASE names."""
import json
import os

SECRET_KEY = "not a secret"
USE_TZ = True
TIME_ZONE = "Europe/Amsterdam"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
# tables are made of the models as they are
MIGRATION_MODULES = {"contenttypes": None, "auth": None}
DATABASES = {"default": json.loads(os.environ["DJANGO_DATABASE"])}
