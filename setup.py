"""The optional C kernels; everything else stands in pyproject.toml.

Without a working compiler the install succeeds and the NumPy kernels are used: the same formulas, slower.
"""

import os
import sysconfig
from glob import glob

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# No flag here may reorder sums: the kernels promise the same bits on every machine.
GCC_FLAGS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"]
MSVC_FLAGS = ["/O2", "/fp:precise"]

# One wheel serves every Python from 3.11 on, except the free-threaded ones, which have no stable ABI.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")


class BuildKernels(build_ext):
    """Choose the flags once the compiler is known."""

    def build_extensions(self) -> None:
        flags = MSVC_FLAGS if self.compiler.compiler_type == "msvc" else GCC_FLAGS
        for extension in self.extensions:
            extension.extra_compile_args = flags
        super().build_extensions()


setup(
    ext_modules=[
        Extension(
            "divtool.numerics._rows",
            ["divtool/numerics/_rows.c"],
            depends=sorted(glob("divtool/numerics/rows_*.h")),
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
            py_limited_api=STABLE_ABI,
            libraries=[] if os.name == "nt" else ["m"],
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildKernels},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI else {},
)
