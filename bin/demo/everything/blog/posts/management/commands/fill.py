from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.test import Client
from posts.models import Post


class Command(BaseCommand):
    """Some authors with posts and pictures; prints the cookie of one who has logged in."""

    def handle(self, **_):
        authors = [User.objects.create_user(f"author{n}", password="correct horse") for n in range(3)]
        for n in range(60):
            picture = ContentFile(bytes((n * i) % 251 for i in range(20_000)), name=f"Zürich {n}.jpg")
            Post.objects.create(author=authors[n % 3], title=f"Post {n}: l'été 🦉", picture=picture)
        client = Client()
        assert client.login(username="author1", password="correct horse")
        self.stdout.write(client.cookies["sessionid"].value)
