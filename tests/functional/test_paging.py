"""Pages of any size over a table with equal sort values give each row exactly once."""
import pytest


@pytest.mark.parametrize("client", ["pg", "lite"])
@pytest.mark.parametrize("size", [1, 7, 100, 249, 250, 251])
@pytest.mark.parametrize("sort", [None, "bucket", "bucket.desc", {"field": "name"}])
def test_pages_by_offset(gateway, client, size, sort):
    if size == 1 and sort is not None:
        size = 3
    seen, offset = [], 0
    while True:
        body = {"table_name": "items", "columns": ["id", "bucket"], "limit": size, "offset": offset}
        if sort is not None:
            body["sort_by"] = sort
        response = gateway.fetch(client, body)
        assert response.status == 200, response
        seen += [row["id"] for row in response.rows()]
        following = response.json()["meta"].get("next_offset")
        if following is None:
            break
        assert following == offset + len(response.rows()) and response.rows()
        offset = following
        if offset >= 250:
            break
    assert sorted(seen) == list(range(1, 251))
    if sort == "bucket":
        assert seen == sorted(seen, key=lambda key: (key % 7, key))
    if sort is None:
        assert seen == list(range(1, 251))


@pytest.mark.parametrize("client", ["pg", "lite"])
def test_pages_by_number(gateway, client):
    pages = []
    for number in (1, 2, 3, 4):
        response = gateway.fetch(client, {"table_name": "items", "columns": "id", "sort_by": "bucket", "page_size": 80,
                                          "current_page": number})
        assert response.status == 200, response
        pages.append([row["id"] for row in response.rows()])
    assert [len(page) for page in pages] == [80, 80, 80, 10]
    assert pages[0] != pages[1]
    assert sorted(sum(pages, [])) == list(range(1, 251))


@pytest.mark.parametrize("client", ["pg", "lite"])
def test_truncated_exactly_when_the_default_limit_left_rows_out(gateway, client):
    for low, truncated in ((150, True), (151, True), (152, False), (240, False)):
        # id >= low leaves 251 - low rows: 101, 100, 99, 11
        response = gateway.fetch(client, {"table_name": "items", "columns": "id",
                                          "conditions": [{"column": "id", "operator": "gte", "value": low}]})
        meta = response.json()["meta"]
        left = 251 - low
        assert meta["returned_row_count"] == min(left, 100)
        assert meta["truncated"] is (left > 100), (low, truncated, meta)
        assert ("next_offset" in meta) is (left > 100)
