"""What is left of somebody outside the gallery: topics, blobs, and copies that others have."""

OUTSIDE = (
    "Topics: none that a person is told of on is compacted, so that no tombstone removes a record. Frames go "
    "after topics.frame_hours, sightings, links, captions and alerts after topics.result_days, dead letters "
    "after topics.dead_letter_weeks, each up to a quarter later; blobs go with the frames.",
    "Reports, exports, webhooks' receivers and consumers of topics have copies of their own.",
)
"""What is left of somebody outside the gallery, and until when."""
