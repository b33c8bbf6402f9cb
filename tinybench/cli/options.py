"Options that several commands have"
from typing import Annotated
import typer

AsJson = Annotated[bool, typer.Option('--json', help='Print JSON instead of text.')]
Repeats = Annotated[int, typer.Option(help='Rounds of timing.', min=6)]
Seed = Annotated[int, typer.Option(help='Decides all that is random.', min=0)]
