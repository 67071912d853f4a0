"""Follow the tasks of Kiroku from another system: each event once, in order, across restarts of everybody."""

import json
import os
import sqlite3
import time

import pika
import requests

API, TOKEN, BROKER = (os.environ[name] for name in ("KIROKU_API", "KIROKU_TOKEN", "KIROKU_AMQP_URL"))
db = sqlite3.connect("farm.sqlite", isolation_level=None)
db.execute("CREATE TABLE IF NOT EXISTS seen (position INTEGER PRIMARY KEY, type TEXT, subject TEXT)")


def missing(position, head=float("inf")):
    """Yield what the feed has after a position."""
    while position < head:
        feed, header = f"{API}/data/events/feed?service=tasks&after={position}", {"Authorization": f"Bearer {TOKEN}"}
        reply = requests.get(feed, headers=header, timeout=60)
        reply.raise_for_status()
        yield from reply.json()["events"]
        position, head = reply.json()["position"], reply.json()["head"]


while True:
    try:
        channel = pika.BlockingConnection(pika.URLParameters(BROKER)).channel()
        channel.queue_declare("farm.tasks", durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind("farm.tasks", "kiroku.events", "tasks.#")
        for delivery, _, body in channel.consume("farm.tasks", inactivity_timeout=5):
            told = [json.loads(body)] if body else []  # nothing for five seconds: was anything lost?
            (done,) = db.execute("SELECT coalesce(max(position), 0) FROM seen").fetchone()
            for event in told if told and told[0]["position"] <= done + 1 else missing(done):
                db.execute("INSERT OR IGNORE INTO seen VALUES (:position, :type, :subject)", event)  # your work: here
            if delivery:
                channel.basic_ack(delivery.delivery_tag)
    except (pika.exceptions.AMQPError, OSError):
        time.sleep(2)  # the broker or Kiroku is away for a moment
