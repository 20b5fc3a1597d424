"""Pages and charts as text: HTML that escapes by itself, and SVG that grows with its page. Pure, without dependencies.

Nothing here knows what is shown, and nothing asks for another file: no script, style sheet, font or image.
"""

from pipeline.drawing.charts import Column, Tick, bar, columns, stack
from pipeline.drawing.markup import Markup, element, joined
from pipeline.drawing.scales import nice_ceiling

__all__ = ["Column", "Markup", "Tick", "bar", "columns", "element", "joined", "nice_ceiling", "stack"]
