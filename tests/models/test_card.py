"""The card of a pack holds every figure, also the unflattering ones."""

import pytest

from core.verification.findings import CONTRAST, EXPLANATION
from core.verification.scores import Scores
from models.export import gimefive, mien, zero_bias
from models.export.card import Measured, write_card
from models.verify.conditions import Condition
from models.verify.paths import PathScores
from tests.findings_made import LABELS, make_findings


def scores(accuracy):
    return Scores(90, accuracy, tuple(0.5 + 0.01 * k for k in range(len(LABELS))), 0.0321)


@pytest.mark.parametrize("words", [mien, gimefive, zero_bias], ids=["mien", "gimefive", "zero-bias"])
def test_the_card_tells_of_every_way_condition_and_class(words):
    findings = make_findings()
    paths = PathScores(90, 80, scores(0.861), scores(0.852), scores(0.843), scores(0.834))
    conditions = [Condition("in the dark", scores(0.123)), Condition("sunglasses", scores(0.234))]
    card = write_card(words.story("- 123 images."), Measured("made images", paths, conditions, 0.7, 0.09, findings))
    for figure in ("86.10%", "85.20%", "84.30%", "83.40%", "12.30%", "23.40%", "80 of 90", "0.700", "- 123 images."):
        assert figure in card
    for words_ in ("never cleared for redistribution", "not a medical device", "## Measured", "## For whom it is not"):
        assert words_ in card
    for finding in findings.classes:
        assert (finding.verdict.words in card) or not finding.expected
    assert "{" not in card
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


def test_packs_beside_it_stand_in_one_table_with_what_each_gives_up():
    findings = make_findings()
    paths = PathScores(90, 80, *(scores(0.8),) * 4)
    measured = Measured("made images", paths, [], 0.7, 0.09, findings, [findings])
    table = write_card(mien.story("-"), measured).split("## Beside other packs")[1].split("##")[0]
    rows = [line for line in table.splitlines() if line.startswith(f"| {findings.about.pack_id} ")]
    assert len(rows) == 2
    assert mien.BESIDE.strip() in table
    assert f"{findings.classification.accuracy.value:.1%}" in rows[0]
    assert f"{findings.outside.mean[EXPLANATION].value:.1%}" in rows[0]
    lifts = [c.by_origin[CONTRAST].lift.value for c in findings.classes if c.expected and c.by_origin[CONTRAST].lift]
    assert f"| {min(lifts):.2f} to {max(lifts):.2f} |" in rows[0]
    own = findings.faithfulness.rows[0]
    assert rows[0].endswith(
        f"| {own.deletion.value:.2f} ({own.deletion.low:.2f} to {own.deletion.high:.2f}) "
        f"| {own.insertion.value:.2f} ({own.insertion.low:.2f} to {own.insertion.high:.2f}) |"
    )
    assert "## Beside" not in write_card(mien.story("-"), Measured("made", paths, [], 0.7, 0.09, findings))
