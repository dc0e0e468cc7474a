import http.server
import threading

import pytest

from gan_lightning.loggers.wandb_login import has_login, resolve_mode, server_answers


@pytest.fixture
def home(tmp_path):
    return {"HOME": str(tmp_path)}


def test_no_key_and_no_file_is_no_login(home):
    assert not has_login(home)
    assert resolve_mode("auto", home) == "offline"


def test_a_key_in_the_environment_is_a_login(home):
    environ = {**home, "WANDB_API_KEY": "x"}
    assert resolve_mode("auto", environ) == "online"
    assert resolve_mode("offline", environ) == "offline"


def test_a_netrc_entry_counts_for_its_own_host_only(home, tmp_path):
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password secret\n")
    assert resolve_mode("auto", home) == "online"
    assert resolve_mode("auto", {**home, "WANDB_BASE_URL": "https://wandb.example.org:8443"}) == "offline"
    other = tmp_path / "elsewhere"
    other.write_text("machine wandb.example.org:8443 login user password secret\n")
    environ = {**home, "NETRC": str(other), "WANDB_BASE_URL": "https://wandb.example.org:8443"}
    assert resolve_mode("auto", environ) == "online"
    assert resolve_mode("auto", {**home, "NETRC": str(other)}) == "offline"


def test_an_unreadable_netrc_is_no_login(home, tmp_path):
    (tmp_path / ".netrc").write_text("this is no netrc file\n")
    assert not has_login(home)


def test_online_without_a_login_is_refused_instead_of_prompting(home):
    with pytest.raises(ValueError, match=r"logger\.wandb\.mode.*WANDB_API_KEY"):
        resolve_mode("online", home)
    with pytest.raises(ValueError, match=r"logger\.wandb\.mode"):
        resolve_mode("auto", {**home, "WANDB_MODE": "online"})


@pytest.mark.parametrize(("value", "mode"), [("offline", "offline"), ("dryrun", "offline"), ("disabled", "disabled")])
def test_auto_follows_the_users_environment(home, value, mode):
    assert resolve_mode("auto", {**home, "WANDB_API_KEY": "x", "WANDB_MODE": value}) == mode


def test_unknown_modes_are_named(home):
    with pytest.raises(ValueError, match=r"'cloud'"):
        resolve_mode("cloud", home)
    with pytest.raises(ValueError, match=r"WANDB_MODE .*'cloud'"):
        resolve_mode("auto", {**home, "WANDB_MODE": "cloud"})


def test_an_error_page_is_an_answer_and_a_closed_port_is_none():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  # answers 501 to all
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    assert server_answers({"WANDB_BASE_URL": url})
    thread.join()
    server.server_close()
    assert not server_answers({"WANDB_BASE_URL": url})
