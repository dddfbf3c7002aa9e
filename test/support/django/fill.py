"""Rows with everything that a hand-made script gets wrong. Moments have no more than milliseconds: dumpdata cuts the rest."""
import datetime as dt
import random
import sys
import uuid
from decimal import Decimal

from django.contrib.auth.models import Group, Permission, User
from shop.models import Maker, Note, Odd, Parcel, Seat, Thing, Ticket

random.seed(7)
UTC = dt.timezone.utc
texts = [
    "", " ", "O'Reilly", 'say "hi"', "back\\slash", "\\", "\\'", "'; DROP TABLE shop_thing; --", "a\nb", "a\r\nb", "tab\there",
    "ends with \\", "100 % :name $1 ${x} `tick` @var ?", "DELIMITER ;;", "\nDELIMITER //\n", "\\q", "\n\\. \n\\!", "-- no comment", "/* no */",
    "héé ñ ß Ω ж 中文 日本 한국", "𝔘𝔫𝔦 🦉🦉🏽 👨‍👩‍👧", "\u200b\u00a0\ufeff", "\x01\x1a\x7f", "NULL", "null", "true", "x" * 3000, "$$ $follow$",
]
big = {"a": [1, 2.5, None, True, "O'\\\"n\n"], "deep": {"er": [[], {}, [[1]]]}, "n": 12345678901234567890, "f": 1e-7, "é🦉": "中"}
jsons = [None, {}, [], "text", "O'\\", 0, -1.5, True, False, big, [big, big], {"": ""}]

makers = [Maker.objects.create(slug=f"maker-{n}", name=text[:200]) for n, text in enumerate(texts)]
groups = [Group.objects.create(name=f"group's {n}") for n in range(5)]
users = []
for n in range(10):
    moment = dt.datetime(2026, 3, 29, 1, n, tzinfo=UTC)
    user = User.objects.create(username=f"us'er{n}", password="pass'word", last_login=moment, date_joined=moment)
    user.groups.set(groups[: n % 5])
    user.user_permissions.set(Permission.objects.order_by("pk")[n : n + 3])
    users.append(user)

things = []
for n in range(int(sys.argv[1]) if len(sys.argv) > 1 else 300):
    text = texts[n % len(texts)]
    things.append(
        Thing.objects.create(
            truth=n % 2 == 0, maybe=[None, True, False][n % 3], small=[0, 32767, -32768][n % 3],
            whole=[None, 2**31 - 1, -(2**31), 0][n % 4], large=[2**63 - 1, -(2**63), 9007199254740993, None][n % 4],
            price=[Decimal("0.1000000000"), Decimal("-12345678901234567890.0123456789"), None, Decimal("0")][n % 4],
            weight=[0.1, -1e300, 5e-324, 1.7976931348623157e308, 3.0, None][n % 6], line=text[:200], text=text * (n % 3 + 1),
            data=jsons[n % len(jsons)], raw=[None, b"", bytes(range(256)), b"'\\\x00\n"][n % 4],
            day=[None, dt.date(1, 1, 1) if n % 8 else dt.date(2026, 2, 28), dt.date(9999, 12, 31)][n % 3] if n % 8 == 0 else dt.date(2024, 2, 29),
            moment=dt.datetime(2026, 10, 25, n % 24, n % 60, 59, 123000 * (n % 2), tzinfo=[UTC, dt.timezone(dt.timedelta(hours=-9, minutes=-30))][n % 2]),
            clock=[None, dt.time(0, 0), dt.time(23, 59, 59, 999000)][n % 3],
            span=[None, dt.timedelta(0), dt.timedelta(days=-1, seconds=1), dt.timedelta(days=400, seconds=3, microseconds=7), -dt.timedelta(microseconds=1)][n % 5],
            mark=uuid.UUID(int=random.getrandbits(128)), address=[None, "10.0.0.1", "2001:db8::1"][n % 3], link=[None, "https://a.b/?q='%20"][n % 2],
            maker=[None, *makers][n % (len(makers) + 1)], owner=[None, *users][n % (len(users) + 1)],
        )
    )
for n, thing in enumerate(things):
    thing.parent = [None, things[-1 - n], thing][n % 3]
    thing.save()
    thing.groups.set(groups[n % 5 :])
    thing.friends.set(things[n : n + 2])
    thing.followed.set(things[: n % 4])
for n in range(20):
    Parcel.objects.create(label=f"p{n}", line="a parcel", text=texts[n], after=[None, things[n]][n % 2])
for n in range(30):
    ticket = Ticket.objects.create(id=uuid.UUID(int=random.getrandbits(128)), title=f"t'{n}")
    Note.objects.create(ticket=ticket, about=[things[n], ticket, makers[n % len(makers)]][n % 3])
    Seat.objects.create(maker=makers[n % len(makers)], ticket=ticket, place=n)
    odd = Odd.objects.create(kind=f"odd's {n}", maker=makers[n % len(makers)])
    odd.tickets.set([ticket])
