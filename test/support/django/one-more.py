"""Adds a row to each model whose key the database makes: its sequence has to follow what was loaded."""
from django.contrib.auth.models import Group, User
from shop.models import Maker, Thing

for n in range(3):
    thing = Thing.objects.create(line="one more", text="", maker=Maker.objects.first())
    thing.groups.add(Group.objects.create(name=f"one more {n}"))
    thing.owner = User.objects.create_user(f"one more {n}")
    thing.save()
