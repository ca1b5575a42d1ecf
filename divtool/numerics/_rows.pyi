from typing import Any

def surprisal_label(
    x_buffer: Any,
    dtype_code: int,
    n: int,
    c: int,
    y_buffer: Any,
    temperature: float,
    out_buffer: Any,
    /,
) -> None: ...
