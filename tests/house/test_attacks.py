"""Attacks on doors, pages and approvals, by number, and the tests that stand against each."""

from tests.house.source import functions

STOPPED_BY = """
16  guessing_at_one_account_is_stopped_from_any_address_and_goes_on_later
    guessing_from_one_address_is_stopped_for_every_account
    guessing_is_slowed_down_in_words
17  an_unknown_address_takes_as_long_as_a_wrong_password
    a_wrong_password_and_an_unknown_address_are_answered_alike
18  an_account_that_is_not_fit_is_refused
    long_passwords_and_other_letters_are_fine
19  the_database_holds_neither_password_nor_token
    a_hash_made_more_cheaply_is_made_anew_at_sign_in
20  each_sign_in_is_a_session_of_its_own
    each_proof_gives_the_browser_another_cookie_and_the_copied_one_is_dead
    whoever_copied_the_cookie_before_is_out
21  signing_out_ends_the_session_for_every_copy_of_its_cookie
    what_changes_an_account_ends_its_sessions
    each_change_ends_their_sessions_at_once
    who_is_shut_out_is_out_at_once
22  over_https_the_cookie_is_bound_to_the_host
    the_cookie_is_for_this_site_alone_and_no_script_reads_it
23  a_session_ends_by_itself
24  the_password_alone_opens_nothing_and_the_code_does_once
    guesses_at_the_code_are_slowed_down_though_the_password_is_right
    after_five_codes_that_do_not_fit_the_password_is_asked_for_again
    beside_a_live_key_whoever_decides_has_a_code_and_is_led_to_set_one_up
    beside_a_live_key_an_admin_without_a_code_reaches_no_people_and_no_keys
25  after_five_minutes_an_approval_asks_who_it_is_and_then_goes_on
    all_that_settles_a_refund_asks_and_carries_what_was_typed
    a_wrong_password_changes_nothing_is_noted_and_is_slowed_down
    it_takes_the_code_too_where_one_is_asked_for_and_each_but_once
26  a_form_from_elsewhere_is_refused
    the_token_of_another_session_does_not_do
    looking_changes_nothing
27  the_policy_allows_our_own_files_and_nothing_else
    what_there_is_not_is_said_in_words_with_the_search_at_hand
28  every_answer_carries_the_headers_that_keep_it_private
    everybody_may_look_whose_role_does_for_it
    over_https_every_answer_says_come_no_other_way_for_a_year
29  what_people_typed_is_text_and_not_markup
    no_page_runs_what_people_or_rails_wrote
    the_judge_of_these_pages_finds_what_would_run
    each_is_read_as_it_was_written
    each_name_stands_on_its_own_pages_as_it_was_written
    the_client_reads_them_as_text_too
    no_sheet_takes_them_for_formulas
    no_mail_runs_them_and_none_gets_another_line_into_its_head
    a_file_is_kept_under_a_name_that_no_folder_and_no_page_takes_for_more
    a_payload_is_shown_as_text
30  each_is_read_as_it_was_written
31  the_way_back_never_leads_out
32  a_host_that_is_made_up_is_in_no_answer
    where_somebody_says_they_come_from_is_not_what_guesses_are_counted_by
33  a_question_is_never_a_statement
    no_question_is_a_fault_of_ours
    no_body_is_a_fault_of_ours
    the_wrong_address_or_password_begins_nothing
34  what_is_logged_is_one_line_each_whatever_is_in_it
    a_terminal_is_neither_cleared_nor_told_another_line
35  what_belongs_to_others_is_answered_like_nothing
    a_deposit_goes_to_no_strangers_invoice
36  who_is_kept_out_is_kept_out_and_nothing_changes
    a_form_is_refused_to_every_role_below_the_one_it_needs
39  who_asked_reads_why_they_cannot_approve_and_cannot
    who_changed_it_cannot_approve_it_nor_can_who_asked
    a_change_of_anything_voids_the_approval
    an_address_has_one_account_whatever_its_case
40  of_two_approvers_one_approves
    an_approval_and_a_cancellation_at_once_leave_one_of_them
"""
FIRST, LAST = 16, 40


def test_every_test_that_is_named_here_is_there() -> None:
    there = {where.split()[-1].removeprefix("test_") for where, _ in functions("tests")}
    named = {line.split()[-1] for line in STOPPED_BY.split("\n") if line}
    assert len(named) > 30
    assert sorted(named - there) == []


def test_the_numbers_rise() -> None:
    numbers = [int(word) for word in STOPPED_BY.split() if word.isdigit()]
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == (FIRST, LAST)
