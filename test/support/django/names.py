import json

from django.apps import apps


def column(field):
    target = field
    while target.remote_field:
        target = target.target_field
    about = {"column": field.column, "type": target.get_internal_type()}
    if field.remote_field:
        about.update(refers=field.related_model._meta.db_table, to=field.target_field.column)
    if getattr(field, "generated", False):
        about["computed"] = True
    return about


names = {}
for model in apps.get_models():
    meta = model._meta
    names[meta.label_lower] = {
        "table": meta.db_table,
        "key": column(meta.pk),
        "fields": {field.name: column(field) for field in meta.local_fields},
        "manyToMany": {
            field.name: {
                "table": field.m2m_db_table(),
                "from": {"column": field.m2m_column_name(), "type": column(meta.pk)["type"]},
                "to": {
                    "column": field.m2m_reverse_name(),
                    "type": column(field.related_model._meta.pk)["type"],
                    "refers": field.related_model._meta.db_table,
                },
            }
            for field in meta.local_many_to_many
            if field.remote_field.through._meta.auto_created
        },
    }
print(json.dumps(names, indent=2))
