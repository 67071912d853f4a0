"""Steps about talking: checklists, mentions, attachments, replies, and who is told."""

import gazu

from examples.day.studio import Day, Record, expect, expect_equal, expect_keys, expect_values


def comments(day: Day) -> str:
    """Comment with a checklist, a mention and an attachment; reply; acknowledge; hide from and show to clients."""
    task = day["layout"]
    checklist = [{"text": "horizon", "checked": False}, {"text": "lens", "checked": True}]
    text = f"@{day['animator']['full_name']} please mind the horizon"
    note = day.folder / "notes é.txt"
    note.write_text("two\nlines", encoding="utf-8")
    options = {"checklist": checklist, "attachments": [str(note)]}
    made = day.comment("manager", task, "wip", text, **options)
    expect_values(made, "a comment", text=text, mentions=[day["animator"]["id"]], checklist=checklist)
    expect_equal(made["person"]["full_name"], day["manager"]["full_name"], "author of the comment")
    [file] = made["attachment_files"]
    expect_values(file, "an attachment", name=note.name, extension="txt", size=note.stat().st_size)
    path = f"/data/attachment-files/{file['id']}/file/{file['name']}"
    expect_equal(day.http("GET", path, "artist").content, note.read_bytes(), "bytes of the attachment")
    day.send(403, "GET", path, "outsider")
    more = gazu.task.add_attachment_files_to_comment(task, made, [str(day.pictures[0])], client=day.clients["manager"])
    expect_equal([row["name"] for row in more], [day.pictures[0].name], "an attachment added later")

    _replies(day, task, made)
    liked = gazu.task.acknowledge_comment(task, made, client=day.clients["artist"])
    expect_equal(liked["acknowledgements"], [day["artist"]["id"]], "acknowledgements")
    liked = gazu.task.acknowledge_comment(task, made, client=day.clients["artist"])
    expect_equal(liked["acknowledgements"], [], "acknowledgements, toggled")
    gazu.task.acknowledge_comment(task, made, client=day.clients["artist"])
    edited = gazu.task.update_comment({"id": made["id"], "text": text, "pinned": True}, client=day.clients["manager"])
    expect_values(edited, "an edited comment", pinned=True)
    _clients_see_less(day, task, made)
    day.keep("talk", made)
    return "checklist, mention, two attachments, a reply, an acknowledgement"


def _replies(day: Day, task: Record, comment: Record) -> None:
    reply = gazu.task.reply_to_comment(task, comment, "It is level now", client=day.clients["artist"])
    expect_values(reply, "a reply", text="It is level now", person_id=day["artist"]["id"])
    expect_keys(reply, ("id", "date", "mentions", "department_mentions"), "a reply")
    [first, *_] = gazu.task.all_comments_for_task(task, client=day.clients["manager"])
    expect_equal([row["text"] for row in first["replies"]], ["It is level now"], "replies of the comment")
    gone = gazu.task.reply_to_comment(task, comment, "never mind", client=day.clients["artist"])
    gazu.task.delete_comment_reply(task, comment, gone, client=day.clients["artist"])
    [first, *_] = gazu.task.all_comments_for_task(task, client=day.clients["manager"])
    expect_equal(len(first["replies"]), 1, "replies after deleting one")


def _clients_see_less(day: Day, task: Record, inner: Record) -> None:
    """Let a client see only what is for clients; artists do not see what clients say."""
    shown = day.comment("manager", task, "wfa", "For you, Clara", for_client=True)
    said = day.comment("client", task, "wfa", "More blue, please")
    seen = {row["id"] for row in gazu.task.all_comments_for_task(task, client=day.clients["client"])}
    expect(shown["id"] in seen and said["id"] in seen, "a client sees own comments and those for clients")
    expect(inner["id"] not in seen, "a client does not see the house's own talk")
    artist = {row["id"] for row in gazu.task.all_comments_for_task(task, client=day.clients["artist"])}
    expect(said["id"] not in artist, "an artist does not see what the client says")
    manager = {row["id"] for row in gazu.task.all_comments_for_task(task, client=day.clients["manager"])}
    expect({inner["id"], shown["id"], said["id"]} <= manager, "a manager sees everything")


def notifications(day: Day) -> str:
    """Subscribe, be notified of what concerns one, mark as read."""
    animator, task = day.clients["animator"], day["animation_20"]
    expect_equal(gazu.user.check_task_subscription(task, client=animator), False, "not subscribed yet")
    gazu.user.subscribe_to_task(task, client=animator)
    expect_equal(gazu.user.check_task_subscription(task, client=animator), True, "subscribed")
    made = day.comment("manager", task, "ready", "Go ahead")
    kinds = {row["comment_id"]: row["notification_type"] for row in gazu.user.all_notifications(client=animator)}
    expect_equal(kinds.get(made["id"]), "comment", "notification of a subscriber")
    expect_equal(kinds.get(day["talk"]["id"]), "mention", "notification of a mention")
    gazu.user.unsubscribe_from_task(task, client=animator)
    expect_equal(gazu.user.check_task_subscription(task, client=animator), False, "unsubscribed")

    pair = f"{day['sequence']['id']}/task-types/{day['shot_tasks']['Animation']['id']}"
    day.send(201, "POST", f"/actions/user/sequences/{pair}/subscribe", "animator")
    expect_equal(day.send(200, "GET", f"/data/user/sequences/{pair}/subscribed", "animator"), True, "sequence followed")
    made = day.comment("manager", task, "ready", "Whole sequence, go ahead")
    told = [row["comment_id"] for row in gazu.user.all_notifications(client=animator)]
    expect_equal(told[0], made["id"], "the newest notification comes first")
    day.send(204, "DELETE", f"/actions/user/sequences/{pair}/unsubscribe", "animator")
    own = {row["comment_id"] for row in gazu.user.all_notifications(client=day.clients["manager"])}
    expect(made["id"] not in own, "authors are not told of their own comments")
    return _read_them(day)


def _read_them(day: Day) -> str:
    artist = day.clients["artist"]
    mine = gazu.user.all_notifications(client=artist)
    kinds = {row["notification_type"] for row in mine}
    expect({"assignation", "comment"} <= kinds, f"the artist hears of assignments and comments, not only {kinds}")
    expect_keys(
        mine[0], ("author_id", "task_id", "read", "full_entity_name", "project_name", "task_type_id"), "a notice"
    )
    manager = {row["notification_type"] for row in gazu.user.all_notifications(client=day.clients["manager"])}
    expect("reply" in manager, "the author of a comment hears of replies")
    gazu.client.put(f"data/user/notifications/{mine[0]['id']}", {"read": True}, client=artist)
    unread = day.send(200, "GET", "/data/user/notifications?read=false", "artist")
    expect(mine[0]["id"] not in {row["id"] for row in unread}, "a read notification is not among the unread")
    gazu.user.mark_all_notifications_as_read(client=artist)
    expect_equal(day.send(200, "GET", "/data/user/notifications?read=false", "artist"), [], "unread ones, all read")
    expect_equal(gazu.user.get_context(client=artist)["notification_count"], 0, "notification_count")
    return f"{len(mine)} notifications of the artist, all read"


def news(day: Day) -> str:
    """Read the news of the production: one for each comment, newest first, counted by status."""
    path = f"/data/projects/{day['short']['id']}/news"
    page = day.send(200, "GET", path, "artist", params={"person_id": day["artist"]["id"], "limit": 3})
    expect_keys(page, ("data", "total", "nb_pages", "limit", "offset", "page", "stats"), "a page of news")
    expect_equal(page["total"], day.comments_by["artist"], "news by the artist")
    expect_equal(len(page["data"]), 3, "news of one page")
    row = page["data"][0]
    expect_values(row, "the newest", author_id=day["artist"]["id"], project_id=day["short"]["id"], type="News")
    expect_keys(row, ("full_entity_name", "person", "task_type_id", "task_status_id", "change", "comment_id"), "a news")
    changes = page["stats"]
    statuses = {status["id"] for status in day["statuses"].values()}
    expect(set(changes) <= statuses and all(isinstance(count, int) for count in changes.values()), f"stats: {changes}")
    day.send(403, "GET", path, "client")
    everywhere = day.send(200, "GET", "/data/projects/news", "outsider")
    expect_equal((everywhere["data"], everywhere["total"]), ([], 0), "news of somebody without projects")
    return f"{page['total']} news by the artist"
