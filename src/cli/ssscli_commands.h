/* src/cli/ssscli_commands.h - the handlers that the command table of ssscli.c names.
 *
 * Each runs with its arguments counted and, unless the table says otherwise, the chip open. A failure
 * leaves its message in cli_fail or se_detail.
 */
#pragma once
#include "cli/ssscli.h"

err_t cli_connect(struct cli *cli);
err_t cli_disconnect(struct cli *cli);

err_t cli_se05x_uid(struct cli *cli);
err_t cli_se05x_certuid(struct cli *cli);
err_t cli_se05x_getrng(struct cli *cli);
err_t cli_se05x_readidlist(struct cli *cli);
err_t cli_se05x_reset(struct cli *cli);

err_t cli_set_ecc_pair(struct cli *cli);
err_t cli_set_ecc_pub(struct cli *cli);
err_t cli_set_rsa_pair(struct cli *cli);
err_t cli_set_rsa_pub(struct cli *cli);
err_t cli_set_aes(struct cli *cli);
err_t cli_set_hmac(struct cli *cli);
err_t cli_set_bin(struct cli *cli);
err_t cli_set_cert(struct cli *cli);

err_t cli_get_ecc(struct cli *cli);
err_t cli_get_rsa(struct cli *cli);
err_t cli_get_aes(struct cli *cli);
err_t cli_get_bin(struct cli *cli);
err_t cli_get_cert(struct cli *cli);

err_t cli_generate_ecc(struct cli *cli);
err_t cli_generate_rsa(struct cli *cli);
err_t cli_generate_pub(struct cli *cli);
err_t cli_erase(struct cli *cli);

err_t cli_policy_asymkey(struct cli *cli);
err_t cli_policy_symkey(struct cli *cli);
err_t cli_policy_userid(struct cli *cli);
err_t cli_policy_file(struct cli *cli);
err_t cli_policy_counter(struct cli *cli);
err_t cli_policy_pcr(struct cli *cli);
err_t cli_policy_dump(struct cli *cli);

err_t cli_refpem_ecc_pair(struct cli *cli);
err_t cli_refpem_ecc_pub(struct cli *cli);
err_t cli_refpem_rsa_pair(struct cli *cli);

err_t cli_sign(struct cli *cli);
err_t cli_verify(struct cli *cli);
err_t cli_encrypt(struct cli *cli);
err_t cli_decrypt(struct cli *cli);
