"""What the command line chose, as settings, models and neutral faces."""

import argparse

from app import packs, paths
from app.neutral import Neutral
from core.action_units.smoothing import TIME_CONSTANT_S
from core.episodes import EpisodeRule
from core.errors import ExplainError
from core.explain import read_method
from core.landmark_model import LandmarkModel
from core.landmarker import Landmarker
from core.model import Model
from core.packs import DEFAULT_LANDMARK_PACK, DEFAULT_PACK
from core.pipeline import Settings


def settings_from(chosen: argparse.Namespace) -> Settings:
    """The pipeline's settings as the command line gives them. ExplainError for what pain alone leaves nothing of."""
    pain = {
        "pain": chosen.pain or chosen.pain_only,
        "pain_smoothing_s": TIME_CONSTANT_S if chosen.smoothing is None else chosen.smoothing,
    }
    if chosen.pain_only:
        _check_pain_only(chosen)
        every = getattr(chosen, "every", 1)
        return Settings(method=chosen.method, explain_every=every, region_mode=chosen.regions, emotions=False, **pain)
    return Settings(
        method=chosen.method if chosen.composite is None else read_method(chosen.composite),
        target=chosen.target,
        against=chosen.against,
        explain_every=getattr(chosen, "every", 1),
        region_mode=chosen.regions,
        **pain,
    )


def _check_pain_only(chosen: argparse.Namespace) -> None:
    asked = {
        "--points": chosen.points,
        "--landmark-pack": chosen.landmark_pack,
        "--composite": chosen.composite,
        "--csv-profile": getattr(chosen, "csv_profile", None),
    }
    if given := [option for option, value in asked.items() if value]:
        raise ExplainError(f"--pain-only reads no emotions, and {' and '.join(given)} is about them: leave one out.")


def neutral_from(chosen: argparse.Namespace) -> Neutral:
    """What the command line names as neutral. ExplainError where no pain is measured that it could be for."""
    asked = Neutral(chosen.neutral, tuple(chosen.baseline), chosen.person, chosen.one_person, chosen.keep_neutral)
    if asked != Neutral() and not (chosen.pain or chosen.pain_only):
        raise ExplainError("Neutral faces are for the pain score: expected --pain or --pain-only with them.")
    return asked


def rule_from(chosen: argparse.Namespace) -> EpisodeRule:
    """When pain is an episode, and worth an alarm. ExplainError where no pain is measured that it could be about."""
    if chosen.alarm is not None and not (chosen.pain or chosen.pain_only):
        raise ExplainError("An alarm is about the pain score: expected --pain or --pain-only with --alarm.")
    return chosen.alarm or EpisodeRule()


def landmarker_from(chosen: argparse.Namespace) -> Landmarker | None:
    """MediaPipe's landmarker, ready to run; None where the command line names none. BlendshapesUnavailable."""
    if chosen.blendshapes is None:
        return None
    if not (chosen.pain or chosen.pain_only):
        raise ExplainError("Blendshapes stand beside the units of pain: expected --pain or --pain-only with them.")
    landmarker = Landmarker(chosen.blendshapes)
    landmarker.open()
    return landmarker


def model_from(chosen: argparse.Namespace) -> Model:
    """The model that the command line names."""
    pack = packs.find(chosen.pack or DEFAULT_PACK)
    return Model(pack, provider=chosen.provider, cache=paths.data_folder() / "compiled")


def landmarks_from(chosen: argparse.Namespace) -> LandmarkModel | None:
    """The landmark network that the command line names, ready to run; None where it names none."""
    if not (chosen.points or chosen.landmark_pack):
        return None
    model = LandmarkModel(packs.find_landmarks(chosen.landmark_pack or DEFAULT_LANDMARK_PACK))
    model.prepare()
    return model
