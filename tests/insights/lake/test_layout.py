"""How rows lie in the lake's files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from survey_app.insights.lake import layout


@pytest.mark.parametrize("rows", [0, 1, 32_768, 1_310_720, 1_310_721, 4_166_666, 10**9])
def test_a_file_has_few_row_groups_of_whole_vectors(rows: int) -> None:
    size = layout.row_group_of(rows)
    assert size >= layout.ROW_GROUP and size % layout.VECTOR == 0
    assert -(-rows // size) <= layout.MOST_ROW_GROUPS
    assert size == layout.ROW_GROUP or size * layout.MOST_ROW_GROUPS - rows < 40 * layout.VECTOR


def test_numbers_of_people_and_answers_have_no_dictionary(tmp_path: Path) -> None:
    numbers = pa.array([2**62 + 7919 * number for number in range(1000)])
    columns = dict.fromkeys(("workspace", "person", "response", "received"), numbers)
    write_deltalake(tmp_path, pa.table(columns), writer_properties=layout.properties(512))
    (path,) = tmp_path.glob("*.parquet")
    found = pq.ParquetFile(path)
    assert found.metadata.num_row_groups == 2
    group = found.metadata.row_group(0)
    of = {group.column(at).path_in_schema: group.column(at) for at in range(4)}
    plain = {name for name, column in of.items() if not column.has_dictionary_page}
    assert plain == {"person", "response", "received"}
    growing = {name for name, column in of.items() if "DELTA_BINARY_PACKED" in column.encodings}
    assert growing == {"response", "received"}
    assert found.read().equals(pa.table(columns))
