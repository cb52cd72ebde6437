"""Lambda functions as plain processes: what LocalStack by itself needs Docker for.

`executor.py` is what LocalStack calls, one for each of its execution environments. It keeps one
`sandbox.py`: the function's process, beside the loopback server of `runtime_api.py` that the process
asks for work. What the two hand each other is in `exchange.py`, what the function says in
`function_log.py`.
"""
