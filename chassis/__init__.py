"""What every service needs and none owns: events, records, operations, followers. Knows no word of animation."""
