import pytest

from .conftest import TOKEN

FORM = {
    "name": "Ada",
    "email": "ada@example.com",
    "password": "difference",
    "password_confirmation": "difference",
}


def register(local, **changed):
    return local.client.post("/api/app/register", data={**FORM, **changed})


def login(local, *, email=FORM["email"], password=FORM["password"]):
    return local.client.post("/api/app/login", data={"email": email, "password": password})


def test_who_registers_can_log_in_and_have_something_separated(local):
    """At once, since the mail is only spoken of; the plan is the free one, and each has a history of their own."""
    said = register(local).json()

    token = login(local).json()["data"]["api_token"]
    local.created(token=token)

    user = local.client.get("/api/app/user", params={"api_token": token}).json()["data"]
    assert said == {"success": True, "message": "Account verification email sent to ada@example.com"}
    assert (user["name"], user["premium_minutes"], user["premium_enabled"]) == ("Ada", 0, 0)
    assert len(user["current_queue"]) == 1
    assert local.history() == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": ""}, {"name": ["The name field is required."]}),
        ({"email": "nobody"}, {"email": ["The email must be a valid email address."]}),
        ({"email": "SANDBOX@localhost"}, {"email": ["The email has already been taken."]}),
        ({"password_confirmation": "x"}, {"password": ["The password confirmation does not match."]}),
        (
            {"password": "short", "password_confirmation": "short"},
            {"password": ["The password must be at least 8 characters."]},
        ),
        (
            {"email": "", "password": ""},
            {"email": ["The email field is required."], "password": ["The password field is required."]},
        ),
    ],
)
def test_a_bad_form_is_told_field_by_field(local, changed, message):
    """With 400, and nobody is registered."""
    response = register(local, **changed)

    assert (response.status_code, response.json()) == (400, {"success": False, "message": message})
    assert login(local).status_code == 400


def test_login_answers_in_the_recorded_shape(local):
    """The account that the sandbox is started for logs in too."""
    answer = login(local, email="sandbox@localhost", password="sandbox").json()

    assert answer["success"] is True
    assert " ".join(answer["data"]) == (
        "name email api_token created_at updated_at premium_minutes premium_enabled long_filenames_enabled"
    )
    assert answer["data"]["api_token"] == TOKEN


def test_a_login_without_fields_is_told_which(local):
    """Byte for byte as recorded."""
    response = local.client.post("/api/app/login")

    assert (response.status_code, response.json()) == (
        400,
        {
            "success": False,
            "message": {"email": ["The email field is required."], "password": ["The password field is required."]},
        },
    )


def test_a_wrong_password_is_400(local):
    """In `message`, as a text."""
    response = login(local, email="sandbox@localhost", password="nonsense")

    assert (response.status_code, type(response.json()["message"])) == (400, str)


@pytest.mark.parametrize(
    ("call", "key", "value", "word"),
    [
        ("disable_premium", "premium_enabled", 0, "disabled"),
        ("enable_premium", "premium_enabled", 1, "enabled"),
        ("enable_long_filenames", "long_filenames_enabled", 1, "enabled"),
        ("disable_long_filenames", "long_filenames_enabled", 0, "disabled"),
    ],
)
def test_switches_answer_as_recorded_and_stay(local, call, key, value, word):
    """Twice is as good as once."""
    answers = [local.client.post(f"/api/app/{call}", data={"api_token": TOKEN}).json() for _ in range(2)]

    user = local.client.get("/api/app/user", params={"api_token": TOKEN}).json()["data"]
    assert answers == [{"success": True, "message": f"successfully {word}"}] * 2
    assert user[key] == value


def test_a_switch_without_a_key_is_refused(local):
    """In a list of errors."""
    response = local.client.post("/api/app/disable_premium", data={"api_token": "wrong"})

    assert (response.status_code, response.json()) == (400, {"success": False, "errors": ["invalid token"]})


def test_without_premium_a_second_job_is_refused(local):
    """The credits are left, but not used."""
    local.client.post("/api/app/disable_premium", data={"api_token": TOKEN})
    local.created(name="a.wav")

    assert local.create(name="b.wav").status_code == 400
    assert local.history()[0]["credits"] == 0


def test_long_file_names_tell_algorithm_and_options(local):
    """Of the jobs that are made while they are switched on."""
    local.client.post("/api/app/enable_long_filenames", data={"api_token": TOKEN})

    files = local.done(name="Take Five.wav")["files"]

    assert [file["download"] for file in files] == [
        f"take-five_bs-roformer-vocals-instrumental_{options}_{stem}.wav"
        for options in [files[0]["download"].split("_", 2)[2].rpartition("_")[0]]
        for stem in ("vocals", "other")
    ]
    assert "2025" in files[0]["download"]


def test_any_account_can_be_changed(local):
    """By its e-mail; whoever is not there is said not to be."""
    register(local)

    response = local.client.post("/sandbox/account", json={"of": "ada@example.com", "credits": 7})
    nobody = local.client.post("/sandbox/account", json={"of": "nobody@example.com", "credits": 7})

    assert (response.status_code, nobody.status_code) == (200, 400)
    assert login(local).json()["data"]["premium_minutes"] == 7
