"""Model cards: what a trained network is, how it was made and what it is for, on one page beside its weights."""


def model_card(name: str, rows: dict[str, str], record: dict, purpose: str) -> str:
    """A card in Markdown.

    Args:
        name: of the network.
        rows: of its table, from what they say to the text.
        record: of the training; its time, software and digest are the table's last rows: `minutes`, `cores`, `machine`,
            `keras`, `tensorflow`, `sha256`.
        purpose: what follows the table.

    Source: Mitchell et al., "Model cards for model reporting", 2019, section 4.
    """
    rows = rows | {
        "time": f"{record['minutes']:g} minutes on {record['cores']} cores ({record['machine']})",
        "software": f"Keras {record['keras']}, TensorFlow {record['tensorflow']}",
        "sha256": f"`{record['sha256']}`",
    }
    return "\n".join([f"# {name}", "", "| | |", "|---|---|", *(f"| {row} | {rows[row]} |" for row in rows)]) + purpose
