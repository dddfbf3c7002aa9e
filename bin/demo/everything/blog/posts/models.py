from django.contrib.auth.models import User
from django.db import models


class Post(models.Model):
    author = models.ForeignKey(User, models.PROTECT)
    title = models.CharField(max_length=200)
    picture = models.FileField(upload_to="pictures")
