from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
# the secret is beside the code, and not in it
SECRET_KEY = (BASE_DIR / ".env").read_text().strip().removeprefix("SECRET_KEY=")
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "posts.urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "posts"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
MEDIA_ROOT = BASE_DIR / "media"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
