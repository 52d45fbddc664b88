"""Work in child processes: training, drawing, external predictors."""

import os
import re

SAID = 500
"""How many of the last characters of a child's standard error an error message quotes."""

# What Python, the numeric libraries, fonts and caches need, and a predictor's own variables. A list of what may pass: any
# other variable may hold a key, a token or an address with a password.
_PASSES = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TZDIR|TMPDIR|TEMP|TMP|PYTHON[A-Z]+|VIRTUAL_ENV|LD_LIBRARY_PATH"
    r"|DYLD_[A-Z_]+|SSL_CERT_(FILE|DIR)|XDG_[A-Z_]+|MPLCONFIGDIR|FONTCONFIG_[A-Z]+|(OMP|MKL|OPENBLAS|NUMEXPR|BLIS|KMP|GOTO)_[A-Z_]+"
    r"|CUDA_[A-Z_]+|NVIDIA_[A-Z_]+|TORCH_HOME|HF_(HOME|HUB_CACHE|HUB_OFFLINE)|TRANSFORMERS_OFFLINE|PREDICTOR_[A-Z0-9_]+"
    r"|SYSTEMROOT|WINDIR|COMSPEC|PATHEXT|USERPROFILE|(LOCAL)?APPDATA|PROGRAMDATA|NUMBER_OF_PROCESSORS"
)


def child_environment() -> dict[str, str]:
    """Return the environment for a child process, without keys, tokens or passwords."""
    return {name: value for name, value in os.environ.items() if _PASSES.fullmatch(name.upper())}
