import pytest

from gan_lightning.metrics import Evaluator

from .toy import FEATURE_METRICS, ToyExtractor


@pytest.fixture
def make(tmp_path):
    def evaluator(**overrides):
        options = {
            "extractor": ToyExtractor(),
            "samples": 100,
            "batch_size": 16,
            "metrics": FEATURE_METRICS,
            "kernel_subset_size": 50,
            "kernel_subsets": 5,
            "cache_dir": str(tmp_path),
        }
        return Evaluator(**(options | overrides))

    return evaluator
