from django.core.management.base import BaseCommand
from django.test import Client


class Command(BaseCommand):
    """What the holder of a cookie sees."""

    def add_arguments(self, parser):
        parser.add_argument("cookie")

    def handle(self, cookie, **_):
        client = Client()
        client.cookies["sessionid"] = cookie
        answer = client.get("/")
        self.stdout.write(f"{answer.status_code} {answer.content.decode()}")
