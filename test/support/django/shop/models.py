"""Every kind of field that Django has for all its databases, every kind of relation, and names of one's own."""
import uuid

from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Maker(models.Model):
    slug = models.SlugField(primary_key=True)
    name = models.CharField(max_length=200)


class Thing(models.Model):
    truth = models.BooleanField(default=False)
    maybe = models.BooleanField(null=True)
    small = models.SmallIntegerField(default=0)
    whole = models.IntegerField(null=True)
    large = models.BigIntegerField(null=True)
    price = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    weight = models.FloatField(null=True)
    line = models.CharField(max_length=200)
    text = models.TextField()
    data = models.JSONField(null=True)
    raw = models.BinaryField(null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    mark = models.UUIDField(default=uuid.uuid4)
    address = models.GenericIPAddressField(null=True)
    link = models.URLField(null=True)
    maker = models.ForeignKey(Maker, models.CASCADE, null=True)
    owner = models.ForeignKey(User, models.SET_NULL, null=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True)
    groups = models.ManyToManyField(Group)
    friends = models.ManyToManyField("self")
    followed = models.ManyToManyField("self", symmetrical=False, related_name="followers")


class Parcel(Thing):
    """Its key is the reference to its parent's row."""

    label = models.CharField(max_length=20)
    after = models.OneToOneField(Thing, models.SET_NULL, null=True, related_name="before")


class Ticket(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=50)


class Note(models.Model):
    ticket = models.ForeignKey(Ticket, models.CASCADE)
    about_type = models.ForeignKey(ContentType, models.CASCADE)
    about_id = models.CharField(max_length=40)
    about = GenericForeignKey("about_type", "about_id")


class Seat(models.Model):
    """Through a model of its own: its rows are rows like others."""

    maker = models.ForeignKey(Maker, models.CASCADE)
    ticket = models.ForeignKey(Ticket, models.CASCADE)
    place = models.PositiveIntegerField()


class Odd(models.Model):
    """Nothing here is called as Django would call it."""

    kind = models.CharField("what it is", max_length=20, db_column="Art der Sache")
    maker = models.ForeignKey(Maker, models.CASCADE, db_column="wer")
    tickets = models.ManyToManyField(Ticket, db_table="odd & tickets")

    class Meta:
        db_table = "The odd one's Table"
