"""A deposit that is asked for no more says so on its page, in the list and after the click."""

from tests.web.screens import Screens


def test_what_is_asked_for_no_more_says_so_where_it_stood_as_pending(screens: Screens) -> None:
    made = screens.deposit(screens.customer("Acme"), 5_000, "DEP-7")
    rae = screens.as_("reconciler")
    assert "$50.00 was asked for and has not come yet" in rae.read(f"/deposits/{made}")

    def press(do: str) -> str:
        form = {"rev": screens.rev("deposit", made), "do": do, "why": "They went elsewhere"}
        answer = rae.post(f"/deposits/{made}/end", form)
        assert answer.status_code == 303
        return rae.client.get(answer.location).get_data(as_text=True)

    page = press("end")
    assert "It is asked for no more: no reminder and no page to pay on asks for it." in page
    assert "Kept." not in page
    words = rae.read(f"/deposits/{made}")
    assert "has not come yet" not in words
    assert "Pending" not in words
    assert "it is asked for no more. They went elsewhere." in words
    assert "Asked for no more" in rae.read("/deposits")
    assert "It is asked for again." in press("again")
    assert "Pending" in rae.read(f"/deposits/{made}")
