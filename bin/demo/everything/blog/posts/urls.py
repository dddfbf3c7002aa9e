import hashlib

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import path
from posts.models import Post


@login_required
def index(request):
    """Every post with what its picture is: it takes the database, the files, and a session that the secret key has signed."""
    lines = [f"{request.user.username} reads {Post.objects.count()} posts"]
    for post in Post.objects.select_related("author").order_by("pk"):
        with post.picture.open() as picture:
            lines.append(f"{post.title} by {post.author.username}: {hashlib.sha256(picture.read()).hexdigest()}")
    return HttpResponse("\n".join(lines), content_type="text/plain")


urlpatterns = [path("", index)]
