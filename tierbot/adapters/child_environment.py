"""The environment of child processes: what may pass is listed, because any other variable may hold a secret."""

import os
import re

# What Python, the numeric libraries, fonts and caches need.
_PASSES = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TZDIR|TMPDIR|TEMP|TMP|PYTHON[A-Z]+|VIRTUAL_ENV|LD_LIBRARY_PATH"
    r"|DYLD_[A-Z_]+|SSL_CERT_(FILE|DIR)|XDG_[A-Z_]+|MPLCONFIGDIR|FONTCONFIG_[A-Z]+|(OMP|MKL|OPENBLAS|NUMEXPR|BLIS|KMP|GOTO)_[A-Z_]+"
    r"|CUDA_[A-Z_]+|NVIDIA_[A-Z_]+|TORCH_HOME|HF_(HOME|HUB_CACHE|HUB_OFFLINE)|TRANSFORMERS_OFFLINE"
    r"|SYSTEMROOT|WINDIR|COMSPEC|PATHEXT|USERPROFILE|(LOCAL)?APPDATA|PROGRAMDATA|NUMBER_OF_PROCESSORS"
)
_OF_PREDICTORS = "PREDICTOR_"


def child_environment(*, predictor: bool = False) -> dict[str, str]:
    """Return the environment for a child process, without keys, tokens or passwords.

    predictor: with the variables of external predictors, whose names start with PREDICTOR_.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if _PASSES.fullmatch(name.upper()) or (predictor and name.upper().startswith(_OF_PREDICTORS))
    }
