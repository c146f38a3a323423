from mvsep_watch.telling.exposition import Family, by, single, text


def test_a_family_is_written_as_prometheus_reads_it():
    """With help and type, whole numbers without a point, instants with all of theirs."""
    families = [
        by("state", "jobs", "gauge", "Jobs.", {"held": 2, "failed": 0}),
        single("at", "gauge", "When.", 1.8e9 + 0.5),
    ]

    assert text(families) == (
        "# HELP mvsep_watch_jobs Jobs.\n# TYPE mvsep_watch_jobs gauge\n"
        'mvsep_watch_jobs{state="held"} 2\nmvsep_watch_jobs{state="failed"} 0\n'
        "# HELP mvsep_watch_at When.\n# TYPE mvsep_watch_at gauge\nmvsep_watch_at 1800000000.5\n"
    )


def test_labels_are_escaped():
    """A folder may be called anything."""
    family = by("folder", "x", "gauge", "X.", {'a "b" \\ c\nd': 1})

    assert text([family]).splitlines()[-1] == r'mvsep_watch_x{folder="a \"b\" \\ c\nd"} 1'


def test_what_is_not_known_is_left_out():
    """0 would be a lie."""
    families = [
        single("a", "gauge", "A.", None),
        by("f", "b", "gauge", "B.", {"x": None}),
        Family("c", "gauge", "C.", ()),
    ]

    assert text(families) == ""
